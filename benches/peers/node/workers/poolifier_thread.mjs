import { ThreadWorker } from "poolifier";
import tasks from "./tasks.cjs";

export default new ThreadWorker({ ...tasks });
