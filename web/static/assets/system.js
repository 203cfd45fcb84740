import{a as t,s as e,u as o,y as r}from"./shared-client.js";function i(){return e(t,{children:[e(r,{title:"System"}),e(o,{})]})}export{i as default};
