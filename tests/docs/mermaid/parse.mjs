// Reads a diagram, and prints what Mermaid has against it: nothing where it is well-formed.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

// Mermaid's parsers clean labels with a browser's DOM.
const { window } = new JSDOM("");
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import("mermaid");

try {
  await mermaid.parse(readFileSync(0, "utf8"));
} catch (error) {
  console.log(error.message);
}
