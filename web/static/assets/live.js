import{a as t,s as e,u as o,y as i}from"./shared-client.js";function r(){return e(t,{children:[e(i,{title:"Live"}),e(o,{})]})}export{r as default};
