const { ThreadWorker } = require("poolifier");

module.exports = new ThreadWorker((x) => typeof x === "number" ? x * x : x);
