import { chromium } from "playwright-core";
const [,, url, out, width="1280", scheme="light", script=""] = process.argv;
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: Number(width), height: 900 }, colorScheme: scheme });
page.on("console", (m) => console.log("console", m.type(), m.text()));
page.on("pageerror", (e) => console.log("pageerror", e.message));
await page.goto(url); await page.waitForTimeout(900);
if (script) { await (new Function("page", `return (async()=>{${script}})()`))(page); await page.waitForTimeout(700); }
await page.screenshot({ path: out, caret: "initial" });
await browser.close();
