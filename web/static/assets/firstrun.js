import{C as e,E as o,I as r,a as t}from"./shared-client.js";function i(){return e(t,{children:[e(r,{title:"First steps"}),e(o,{})]})}export{i as default};
