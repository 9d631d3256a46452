import { describe, expect, it } from "vitest";
import { importsOf, importsOfProject, type Rule, violations } from "./imports.ts";

const node = /^node$/;
const zod = /^zod$/;
const core = /^handlers\/core\//;
const vendors = /^handlers\/vendors\//;
/** What vendors share, which is not what lists them. */
const vendorTools = /^handlers\/vendors\/(?!(config|index|retirement|webhooks)\.ts$)[\w-]+\.ts$/;
const aws = /^handlers\/aws\//;
const sdk = /^@aws-sdk\//;
const lambdaTypes = /^aws-lambda$/;
const terraform = [/^cdktf$/, /^constructs$/, /^@cdktf\//];
/** The parts of the runtime halves that are schemas and types only. */
const schemas = /^handlers\/(vendors\/config|vendors\/[\w-]+\/config|aws\/[\w-]+-config|\w+\/env)\.ts$/;
const config = /^stacks\/config\//;
const constructs = /^stacks\/constructs\//;
const app = /^stacks\/app\.ts$/;

const rules: readonly Rule[] = [
  { from: schemas, may: [core, schemas, zod] },
  { from: /^main\.ts$/, may: [/^stacks\//] },
  { from: config, may: ["own", core, zod, /^yaml$/, node] },
  // What all constructs stand on.
  {
    from: /^stacks\/constructs\/[\w-]+\.ts$/,
    may: [/^stacks\/constructs\/[\w-]+\.ts$/, config, core, node, ...terraform],
  },
  { from: /^stacks\/constructs\/functions\/bundle\.ts$/, may: [/^esbuild$/, node] },
  { from: constructs, may: ["own", app, config, core, schemas, zod, node, ...terraform] },
  { from: /^stacks\/vendors\//, may: ["own", config, constructs, core, schemas, node, ...terraform] },
  { from: app, may: [constructs, node, ...terraform] },
  { from: /^stacks\/index\.ts$/, may: [/^stacks\/[\w-]+\.ts$/, config, constructs, ...terraform] },
  {
    from: /^stacks\/[\w-]+\.ts$/,
    may: [
      /^stacks\/(base-stack|fleet-control)\.ts$/,
      /^stacks\/vendors\//,
      config,
      constructs,
      core,
      schemas,
      zod,
      ...terraform,
    ],
  },
  { from: core, may: ["own", zod, node] },
  { from: /^handlers\/vendors\/[\w-]+\//, may: ["own", vendorTools, core, zod, node] },
  { from: vendorTools, may: [vendorTools, core, zod, node] },
  { from: vendors, may: [vendors, core] },
  { from: aws, may: ["own", core, sdk, zod, node] },
  {
    from: /^handlers\/runtime\//,
    may: ["own", core, zod, lambdaTypes, /^@aws-lambda-powertools\//, node],
  },
  {
    from: /^handlers\/\w+\/(?=index\.ts$)/,
    may: ["own", /^handlers\/runtime\//, aws, vendors, core, sdk, node],
  },
  // What the environment decodes to, put together.
  { from: /^handlers\/\w+\/pools\.ts$/, may: [schemas, core, zod] },
  ...["autoscale", "release", "retire", "webhook"].map((name) => ({
    from: new RegExp(`^handlers/${name}/`),
    may: [new RegExp(`^handlers/${name}/(?!index)`), core, zod, lambdaTypes],
  })),
  { from: /^scripts\/(bench|generate)/, may: [/./] },
  {
    from: /^scripts\//,
    may: [
      /^scripts\//,
      /^stacks\/config\//,
      core,
      vendors,
      aws,
      /^handlers\/runtime\/clock\.ts$/,
      sdk,
      zod,
      /^(commander|cli-table3|@clack\/prompts)$/,
      node,
    ],
  },
];

describe("the arrows of the house", () => {
  it("point the allowed way only", () => {
    const imports = importsOfProject(process.cwd());
    expect(imports.length).toBeGreaterThan(200);
    expect(violations(imports, rules)).toEqual([]);
  });

  it("only stacks/ knows CDKTF, and stacks/config does not", () => {
    const users = importsOfProject(process.cwd()).filter(({ to }) => terraform.some((name) => name.test(to)));
    expect(users.length).toBeGreaterThan(20);
    expect(users.filter(({ from }) => !/^stacks\/(?!config\/)/.test(from))).toEqual([]);
  });

  it.each([
    ["handlers/core/scaling.ts", 'import { ECSClient } from "@aws-sdk/client-ecs";'],
    ["handlers/core/scaling.ts", 'import type { Http } from "../vendors/http.ts";'],
    ["handlers/autoscale/handler.ts", 'import { createEcsCapacity } from "../aws/ecs-capacity.ts";'],
    ["handlers/autoscale/handler.ts", 'import { handler } from "./index.ts";'],
    ["handlers/autoscale/index.ts", 'import { createHandler } from "../retire/handler.ts";'],
    ["handlers/webhook/handler.ts", 'export { App } from "cdktf";'],
    ["handlers/vendors/x/client.ts", 'const app = await import("../../../stacks/app.ts");'],
    ["handlers/vendors/x/config.ts", 'import { x } from "./client.ts";'],
    ["handlers/vendors/x/config.ts", 'import type { Http } from "../http.ts";'],
    ["handlers/aws/x-config.ts", 'import { SQSClient } from "@aws-sdk/client-sqs";'],
    ["handlers/vendors/x/client.ts", 'import { api } from "../y/api.ts";'],
    ["handlers/vendors/x/client.ts", 'import { createVendor } from "../index.ts";'],
    ["handlers/vendors/http.ts", 'import { api } from "./x/api.ts";'],
    ["handlers/vendors/index.ts", 'import * as z from "zod";'],
    ["main.ts", 'import { App } from "cdktf";'],
    ["main.ts", 'import { decide } from "./handlers/core/scaling.ts";'],
    ["stacks/config/load.ts", 'import {\n  App,\n} from "cdktf";'],
    ["stacks/config/load.ts", 'import type { StackContext } from "../constructs/stack-context.ts";'],
    ["stacks/constructs/secret.ts", 'import { Alarm } from "./alarms/alarm.ts";'],
    ["stacks/constructs/alarms/alarm.ts", 'import { NetworkStack } from "../../network.ts";'],
    ["stacks/constructs/instances/template.ts", 'import type { X } from "../../vendors/vendor-synth.ts";'],
    ["stacks/constructs/functions/schedule.ts", 'import { build } from "esbuild";'],
    ["stacks/vendors/x.ts", 'import { NetworkStack } from "../network.ts";'],
    ["stacks/ecs-fleet.ts", 'import { createHttp } from "../handlers/vendors/http.ts";'],
    ["stacks/ecs-fleet.ts", 'import { NetworkStack } from "./network.ts";'],
    ["stacks/index.ts", 'import { semaphore } from "./vendors/semaphore.ts";'],
    ["stacks/app.ts", 'import { loadStacks } from "./config/load.ts";'],
    ["scripts/commands/run.ts", 'import "../../stacks/app.ts";'],
  ])("a wrong import in %s is found: %s", (from, text) => {
    expect(violations(importsOf(from, text), rules)).toHaveLength(1);
  });
});
