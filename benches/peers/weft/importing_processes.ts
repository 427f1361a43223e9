/** A program that imports the module of processes, and prints the nanoseconds of processor time that took, from its beginning. */

import "@weft/concurrent/multiprocessing";
import process from "node:process";

const { user, system } = process.cpuUsage();
console.log((user + system) * 1000);
process.exit();
