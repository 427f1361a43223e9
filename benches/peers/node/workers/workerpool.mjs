import workerpool from "workerpool";
import tasks from "./tasks.cjs";

workerpool.worker({ ...tasks });
