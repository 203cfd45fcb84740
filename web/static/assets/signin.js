import{a}from"./shared-views-signin-index.js";import"./shared-ui-field.js";import"./shared-client.js";export{a as default};
