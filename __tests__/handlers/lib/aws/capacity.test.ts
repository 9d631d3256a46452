import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createCapacities } from "../../../../handlers/lib/aws/capacity.ts";
import type { LaunchRequest } from "../../../../handlers/lib/core/ports.ts";
import type { EcsCapacityConfig } from "../../../../handlers/lib/settings/ecs-capacity.ts";
import { createEcsFake, type EcsFake } from "../../../../scripts/simulate/world/ecs.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { createNotebookFake } from "../../../fakes/fleet-state.ts";
import { type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";
import { ecsConfig } from "./ecs-harness.ts";

let clock: FakeClock;
let ecs: EcsFake;
let http: HttpFake;

beforeEach(async () => {
  clock = createFakeClock();
  ecs = createEcsFake(clock);
  http = await startHttpFake((request) => ecs.answer(request));
  vi.stubEnv("AWS_ENDPOINT_URL", http.url);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await http.close();
});

const poolOf = (family: string): EcsCapacityConfig => ({ ...ecsConfig, taskDefinition: `${family}:1` });

const requests = (pool: string): LaunchRequest[] =>
  Array.from({ length: 10 }, (_, index) => ({ agentName: `ci.${pool}_${index}`, role: "burst" }));

it("keeps under ECS's 20 launches a second with all pools of a fleet together", async () => {
  const capacityOf = createCapacities(clock);
  const pools = ["linux", "docker", "large"];
  const reports = await Promise.all(
    pools.map((pool) => capacityOf(poolOf(`ci_${pool}`), () => createNotebookFake()).launch(requests(pool))),
  );
  expect(reports).toEqual(pools.map(() => ({ launched: 10, failures: [] })));
  expect(ecs.calls).toHaveLength(30);
  expect(clock.sleeps).toEqual([500, 500]);
});
