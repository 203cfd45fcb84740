import{c as a}from"./shared-ui-field.js";import"./shared-state.js";import"./shared-client.js";export{a as default};
