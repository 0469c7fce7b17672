// A web page that says who serves it. Its greeting comes from a ConfigMap and changes while it runs.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { hostname } from "node:os";

const version = readFileSync(new URL("version", import.meta.url), "utf8");

function greeting() {
  try {
    return readFileSync("/etc/hello/greeting", "utf8").trim();
  } catch {
    // Outside a cluster there is no ConfigMap, and the page still works.
    return "Hello";
  }
}

const server = createServer((request, response) => {
  if (request.url === "/healthz") {
    response.end("ok\n");
    return;
  }
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end(`${greeting()} from ${hostname()}, version ${version}\n`);
});

server.listen(8080, () => console.log(`hello ${version} listens on 8080`));

// New connections end first, then those that are under way: no request is lost in a rollout.
process.on("SIGTERM", () => {
  console.log("SIGTERM: finishing");
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
