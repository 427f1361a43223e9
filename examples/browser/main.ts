/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="dom" />

/// <reference lib="dom" />

/**
 * Threads in a page: the Mandelbrot set by one thread and by all threads, and a counter without a lock and with one.
 *
 *     deno task demo
 */

import { Barrier, Lock, Pool, SharedArray, Thread, Value } from "@weft/concurrent/threading";
import { begin, type Canvas, countBare, countLocked, drawRows } from "./work.ts";

/** How many threads draw: as many as there are processors, and not more than the page has room for. */
const THREADS = Math.min(Math.max(navigator.hardwareConcurrency, 2), 16);
/** How many rows a task has. */
const BAND = 10;
const COUNTING = 4;
const TIMES = 250_000;

const page = document.body;
const run = find<HTMLButtonElement>("#run");

function find<E extends HTMLElement>(selector: string, within: ParentNode = page): E {
  return within.querySelector<E>(selector)!;
}

function milliseconds(ms: number): string {
  return `${Math.round(ms).toLocaleString("en")} ms`;
}

/** Calls `show` in each frame until `work` has settled, and once more then. */
async function whileShowing<T>(show: () => void, work: Promise<T>): Promise<T> {
  let over = false;
  const frame = () => {
    show();
    if (!over) requestAnimationFrame(frame);
  };
  frame();
  try {
    return await work;
  } finally {
    over = true;
    show();
  }
}

/** Draws with this number of threads, and returns how many milliseconds that took. */
async function draw(figure: HTMLElement, threads: number): Promise<number> {
  const element = find<HTMLCanvasElement>("canvas", figure);
  const { width, height } = element;
  const context = element.getContext("2d")!;
  const canvas: Canvas = {
    width,
    height,
    pixels: new SharedArray("u8", width * height * 4),
    rows: new SharedArray("i32", threads),
  };
  const time = find(".time", figure);
  const bars = showThreads(figure, threads);
  const image = context.createImageData(width, height);
  // An image cannot be in shared memory, so it is copied.
  const show = () => {
    image.data.set(canvas.pixels.array);
    context.putImageData(image, 0, 0);
    bars.forEach((bar, i) => bar(canvas.rows.array[i], height));
  };

  await using pool = new Pool(threads, {
    initializer: begin,
    initargs: [new Value("i32"), canvas],
    min: threads,
  });
  await pool.warm();
  const began = performance.now();
  const bands = Array.from({ length: height / BAND }, (_, i) => pool.submit(drawRows, i * BAND, BAND));
  await whileShowing(() => {
    show();
    time.textContent = milliseconds(performance.now() - began);
  }, Promise.all(bands));
  return performance.now() - began;
}

/** Shows a bar for each thread. Returns functions that show how many of the rows a thread has drawn. */
function showThreads(figure: HTMLElement, threads: number): ((rows: number, of: number) => void)[] {
  find(".name", figure).textContent = threads === 1 ? "1 thread" : `${threads} threads`;
  const bars = Array.from({ length: threads }, (_, i) => {
    const worker = document.createElement("div");
    worker.className = "worker";
    worker.innerHTML = `<span>Thread ${i + 1}</span><div class="bar"><div></div></div><output></output>`;
    return worker;
  });
  find(".workers", figure).replaceChildren(...bars);
  return bars.map((worker) => (rows, of) => {
    find(".bar div", worker).style.transform = `scaleX(${rows / of})`;
    find("output", worker).textContent = `${rows} rows`;
  });
}

/** Lets threads count together, and returns what they counted to. */
async function count(race: HTMLElement, lock: Lock | undefined): Promise<number> {
  const [counter, start] = [new Value("i32"), new Barrier(COUNTING)];
  const threads = Array.from(
    { length: COUNTING },
    () =>
      lock === undefined
        ? new Thread({ target: countBare, args: [counter, start, TIMES] }).start()
        : new Thread({ target: countLocked, args: [counter, start, TIMES, lock] }).start(),
  );
  const show = () => {
    find(".bar div", race).style.transform = `scaleX(${counter.value / (COUNTING * TIMES)})`;
    find(".value", race).textContent = counter.value.toLocaleString("en");
  };
  find(".verdict", race).textContent = `of ${(COUNTING * TIMES).toLocaleString("en")}`;
  await whileShowing(show, Promise.all(threads.map((thread) => thread.result())));
  const lost = COUNTING * TIMES - counter.value;
  find(".verdict", race).textContent = lost === 0 ? "nothing lost" : `${lost.toLocaleString("en")} lost`;
  return counter.value;
}

async function runAll(): Promise<void> {
  run.disabled = true;
  page.dataset.state = "running";
  find("#problem").hidden = true;
  find("#speedup").textContent = "–";
  // The page keeps its layout while it runs.
  showThreads(find("#one"), 1);
  showThreads(find("#all"), THREADS);
  try {
    const one = await draw(find("#one"), 1);
    const all = await draw(find("#all"), THREADS);
    find("#one .time").textContent = milliseconds(one);
    find("#all .time").textContent = milliseconds(all);
    find("#speedup").textContent = `${(one / all).toFixed(1)} times as fast`;
    await count(find("#bare"), undefined);
    await count(find("#locked"), new Lock());
    page.dataset.state = "done";
  } catch (error) {
    page.dataset.state = "failed";
    find("#problem").hidden = false;
    find("#problem").textContent = String(error);
  } finally {
    run.disabled = false;
  }
}

run.addEventListener("click", () => void runAll());
await runAll();
