import { expose } from "threads/worker";
import tasks from "./tasks.cjs";

expose({ ...tasks });
