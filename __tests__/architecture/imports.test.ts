import { describe, expect, it } from "vitest";
import { circles, importsOf, importsOfProject, type Rule, violations } from "./imports.ts";

const node = /^node$/;
const zod = /^zod$/;
/** Times of cron expressions in a time zone. */
const cron = /^croner$/;
const core = /^handlers\/lib\/core\//;
const settings = /^handlers\/lib\/settings\//;
const vendors = /^handlers\/lib\/vendors\//;
/** Shared by all vendors. The registries, which import every vendor, are not part of it. */
const vendorTools = /^handlers\/lib\/vendors\/(?!(clients|retirement|webhooks)\.ts$)[\w-]+\.ts$/;
const aws = /^handlers\/lib\/aws\//;
const runtime = /^handlers\/lib\/runtime\//;
const sdk = /^@aws-sdk\//;
const lambdaTypes = /^aws-lambda$/;
/** CDKTF by the names that `imports` in package.json has for it, so that its fork can take its place. */
const terraform = [/^#cdktf$/, /^constructs$/, /^#provider-/];
const config = /^stacks\/config\//;
const constructs = /^stacks\/constructs\//;

const rules: readonly Rule[] = [
  { from: /^main\.ts$/, may: [/^stacks\//] },
  { from: config, may: ["own", core, settings, zod, /^yaml$/, node] },
  // The constructs that all others build on.
  {
    from: /^stacks\/constructs\/[\w-]+\.ts$/,
    may: [/^stacks\/constructs\/([\w-]+|functions\/bundle)\.ts$/, config, core, node, ...terraform],
  },
  {
    from: /^stacks\/constructs\/functions\/bundle\.ts$/,
    may: [/^esbuild$/, /^stacks\/config\/lambda-runtime\.ts$/, node],
  },
  { from: constructs, may: ["own", config, core, settings, zod, node, ...terraform] },
  { from: /^stacks\/vendors\//, may: ["own", config, constructs, core, settings, node, ...terraform] },
  { from: /^stacks\/index\.ts$/, may: [/^stacks\/[\w-]+\.ts$/, config, constructs, ...terraform] },
  {
    from: /^stacks\/[\w-]+\.ts$/,
    may: [
      /^stacks\/(base-stack|fleet-control)\.ts$/,
      /^stacks\/vendors\//,
      config,
      constructs,
      core,
      settings,
      zod,
      // The one table of prices, for what a dashboard estimates.
      /^scripts\/prices\/compute\.ts$/,
      ...terraform,
    ],
  },
  { from: core, may: ["own", zod, cron, node] },
  { from: settings, may: ["own", core, zod] },
  { from: /^handlers\/lib\/vendors\/[\w-]+\//, may: ["own", vendorTools, core, settings, zod, node] },
  { from: vendorTools, may: [vendorTools, core, settings, zod, node] },
  { from: vendors, may: [vendors, core, settings] },
  { from: aws, may: ["own", core, settings, sdk, zod, node] },
  { from: runtime, may: ["own", core, zod, lambdaTypes, /^@aws-lambda-powertools\//, node] },
  { from: /^handlers\/\w+\/(?=index\.ts$)/, may: ["own", runtime, aws, vendors, core, settings, sdk, node] },
  ...["autoscale", "release", "retire", "webhook"].map((name) => ({
    from: new RegExp(`^handlers/${name}/`),
    may: [new RegExp(`^handlers/${name}/(?!index)`), core, settings, zod, lambdaTypes],
  })),
  { from: /^scripts\/(bench|generate|policies)\//, may: [/./] },
  // It runs the stacks in other processes, on either package.
  { from: /^scripts\/fork\//, may: ["own", node] },
  { from: /^scripts\/prices\//, may: [/^scripts\/prices\//, config, zod, node] },
  // The real loop, webhook and retire Lambda run in the simulator's world.
  {
    from: /^scripts\/simulate\//,
    may: [
      /^scripts\/(simulate|prices)\//,
      /^handlers\/(autoscale|retire|webhook)\/(?!index)/,
      config,
      core,
      settings,
      vendors,
      aws,
      sdk,
      lambdaTypes,
      zod,
      // Charts of the report.
      /^echarts$/,
      node,
    ],
  },
  {
    from: /^scripts\/cli\//,
    may: [
      /^scripts\/(cli|simulate|prices)\//,
      // `fleet status` reads the loop's own papers in the loop's own words.
      /^handlers\/autoscale\/(memory|pools)\.ts$/,
      config,
      core,
      settings,
      vendors,
      aws,
      /^handlers\/lib\/runtime\/clock\.ts$/,
      sdk,
      zod,
      /^(commander|cli-table3|log-update|@clack\/prompts)$/,
      node,
    ],
  },
];

describe("the arrows of the house", () => {
  it("point the allowed way only", () => {
    const imports = importsOfProject(process.cwd());
    expect(imports.length).toBeGreaterThan(200);
    const hint =
      "these imports are not allowed: move the code to a room that both files may import, or change `rules` in this file";
    expect(violations(imports, rules), hint).toEqual([]);
  });

  it("form no circle of files", () => {
    const hint = "these files import one another in a circle: move the code that they share to a file of its own";
    expect(circles(importsOfProject(process.cwd())), hint).toEqual([]);
  });

  it("a circle is found, however long, and named once", () => {
    const chain = [
      ["a", "b"],
      ["b", "c"],
      ["c", "a"],
      ["c", "d"],
      ["d", "node"],
    ] as const;
    expect(circles(chain.map(([from, to]) => ({ from, to })))).toEqual([["a", "b", "c"]]);
  });

  it("only stacks/ knows CDKTF, and stacks/config does not", () => {
    const users = importsOfProject(process.cwd()).filter(({ to }) => terraform.some((name) => name.test(to)));
    expect(users.length).toBeGreaterThan(20);
    const others = users.filter(({ from }) => !/^stacks\/(?!config\/)/.test(from));
    expect(others, "move the code that needs CDKTF to stacks/, but not to stacks/config").toEqual([]);
  });

  it.each([
    ["handlers/lib/core/scaling.ts", 'import { ECSClient } from "@aws-sdk/client-ecs";'],
    ["handlers/lib/core/scaling.ts", 'import type { Http } from "../vendors/http.ts";'],
    ["handlers/autoscale/handler.ts", 'import { createEcsCapacity } from "../lib/aws/ecs-capacity.ts";'],
    ["handlers/autoscale/handler.ts", 'import { handler } from "./index.ts";'],
    ["handlers/autoscale/index.ts", 'import { createHandler } from "../retire/handler.ts";'],
    ["handlers/webhook/handler.ts", 'export { App } from "#cdktf";'],
    ["handlers/lib/vendors/x/client.ts", 'const app = await import("../../../../stacks/index.ts");'],
    ["handlers/lib/settings/vendors/x.ts", 'import { x } from "../../vendors/x/client.ts";'],
    ["handlers/lib/settings/vendors/x.ts", 'import type { Http } from "../../vendors/http.ts";'],
    ["handlers/lib/settings/x.ts", 'import { SQSClient } from "@aws-sdk/client-sqs";'],
    ["handlers/lib/vendors/x/client.ts", 'import { api } from "../y/api.ts";'],
    ["handlers/lib/vendors/x/client.ts", 'import { createVendor } from "../clients.ts";'],
    ["handlers/lib/vendors/http.ts", 'import { api } from "./x/api.ts";'],
    ["handlers/lib/vendors/clients.ts", 'import * as z from "zod";'],
    ["main.ts", 'import { App } from "#cdktf";'],
    ["main.ts", 'import { decide } from "./handlers/lib/core/scaling.ts";'],
    ["stacks/config/load.ts", 'import {\n  App,\n} from "#cdktf";'],
    ["stacks/config/load.ts", 'import type { StackContext } from "../constructs/stack-context.ts";'],
    ["stacks/constructs/secret.ts", 'import { Alarm } from "./alarms/alarm.ts";'],
    ["stacks/constructs/alarms/alarm.ts", 'import { NetworkStack } from "../../network.ts";'],
    ["stacks/constructs/instances/template.ts", 'import type { X } from "../../vendors/vendor-synth.ts";'],
    ["stacks/constructs/functions/schedule.ts", 'import { build } from "esbuild";'],
    ["stacks/vendors/x.ts", 'import { NetworkStack } from "../network.ts";'],
    ["stacks/ecs-fleet.ts", 'import { createHttp } from "../handlers/lib/vendors/http.ts";'],
    ["stacks/ecs-fleet.ts", 'import { NetworkStack } from "./network.ts";'],
    ["stacks/ecs-fleet.ts", 'import { TerraformStack } from "cdktf";'],
    ["stacks/constructs/secret.ts", 'import { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue";'],
    ["stacks/index.ts", 'import { semaphore } from "./vendors/semaphore.ts";'],
    ["stacks/constructs/fleet-app.ts", 'import { NetworkStack } from "../network.ts";'],
    ["scripts/cli/commands/run.ts", 'import "../../../stacks/index.ts";'],
  ])("a wrong import in %s is found: %s", (from, text) => {
    expect(violations(importsOf(from, text), rules)).toHaveLength(1);
  });
});
