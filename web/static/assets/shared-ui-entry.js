var o=n=>n.kind==="firing"&&n.type==="end",i=n=>n.kind==="firing"&&!o(n),r=n=>i(n)&&n.reason==="shadow";export{o as a,i as b,r as c};
