/**
 * The module with which a thread's worker begins in a browser.
 *
 * @module
 */

import { leaveBrowser, onStarterMessage, postToStarter } from "../runtime/browser_workers.ts";
import { setBrowserWorker } from "../runtime/this_thread.ts";
import { boot } from "./worker_main.ts";

setBrowserWorker({ receive: onStarterMessage, post: postToStarter, leave: leaveBrowser });
boot();
