#!/usr/bin/env node
// The CLI is TypeScript. tsx loads it with this project's settings, from whichever folder it is called.
import "../node-version.js";
import "../packages.js";
import { fileURLToPath } from "node:url";

// Without this the AWS SDK asks users of Node 20, which we support, to upgrade.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const { register } = await import("tsx/esm/api");
register({ tsconfig: fileURLToPath(new URL("../../tsconfig.json", import.meta.url)) });
const { main } = await import("./fleet.ts");
process.exitCode = await main(process.argv.slice(2));
