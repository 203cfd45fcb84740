import{C as r,a as t,w as e,y as o}from"./shared-client.js";function i(){return e(t,{children:[e(r,{title:"Rules"}),e(o,{})]})}export{i as default};
