/** A program that imports the module of threads, and prints the nanoseconds of processor time that took, from its beginning. */

import "@weft/concurrent/threading";
import process from "node:process";

const { user, system } = process.cpuUsage();
console.log((user + system) * 1000);
process.exit();
