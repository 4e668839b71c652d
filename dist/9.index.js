export const id=9;export const ids=[9];export const modules={28009:((e,t,n)=>{n.r(t),n.d(t,{version:()=>r});let r=`1.0.0`})};
