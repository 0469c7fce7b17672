import { runAgent } from "../agent.ts";
import { mainProgram } from "./main-program.ts";

await mainProgram((_name, options) => runAgent(options));
