import{modules as e}from"./shared-lib-retry.js";import{modules as t}from"./shared-lib-unknown-authority.js";export const id=6749;export const ids=[6749];export const modules={...e,...t};
