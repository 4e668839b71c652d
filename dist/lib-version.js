export const id=817;export const ids=[817];export const modules={20817:((e,t,n)=>{n.r(t),n.d(t,{movingTag:()=>i,version:()=>r});let r=`1.0.0`,i=`v1`})};
