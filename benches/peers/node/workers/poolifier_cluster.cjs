// As a module its child process never takes a task.
const { ClusterWorker } = require("poolifier");
const tasks = require("./tasks.cjs");

module.exports = new ClusterWorker({ ...tasks });
