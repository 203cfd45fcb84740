import{A as a}from"./shared-state.js";import"./shared-client.js";export{a as default};
