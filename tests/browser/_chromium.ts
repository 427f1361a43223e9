/** Chromium without a window, and pages that fail on errors of their own. */

import type { Browser, Page } from "playwright-core";
import { existsSync } from "node:fs";
import process from "node:process";

/** Where Chromium is: `$CHROMIUM`, or where Linux has it. `undefined` if there is none. */
export const CHROMIUM: string | undefined = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"]
  .find((path) => path !== undefined && existsSync(path));

/** Starts Chromium. */
export async function startChromium(): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

/** A page, and the errors and warnings that it and its workers have printed. */
export async function openPage(browser: Browser, url: string): Promise<{ page: Page; printed: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 1000 } });
  const printed: string[] = [];
  page.on("console", (message) => {
    if (/^(?:error|warning)$/.test(message.type())) printed.push(message.text());
  });
  page.on("pageerror", (error) => printed.push(String(error)));
  await page.goto(url);
  return { page, printed };
}
