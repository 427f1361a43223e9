export { answer } from "./exits.ts";
