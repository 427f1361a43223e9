/** The folder that programs and agents have as their root. */
export const ROOT: string = new URL("../../", import.meta.url).href;
