import{modules as e}from"./shared-compare-from-history.js";import{modules as t}from"./shared-lib-rank-test.js";export const id=9120;export const ids=[9120];export const modules={...e,...t};
