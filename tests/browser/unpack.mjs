// Unpacks Chromium with its libraries and fonts into ./chromium, from where the tests start it.
import { mkdirSync, rmSync } from "node:fs";

const folder = new URL("chromium", import.meta.url).pathname;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
process.env.TMPDIR = folder; // where the package unpacks to
process.env.AWS_EXECUTION_ENV = "nodejs20.x"; // with the libraries, too, that a bare machine lacks
const { default: chromium } = await import("@sparticuz/chromium");
await chromium.executablePath();
