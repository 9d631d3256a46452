import { describe } from "vitest";
import { fleetName } from "../../../fakes/desk-fleets.ts";
import { busy, failPass, findsEach, loopLog, vendorError } from "./diagnosed.ts";

describe("fleet doctor about a loop that does not run or fails", () => {
  findsEach([
    {
      what: "no schedule",
      make: (world) => {
        world.rule = undefined;
      },
      id: "schedule-missing",
      says: /no rule ci-agents-every-minute/,
    },
    {
      what: "a schedule that somebody disabled",
      make: (world) => {
        world.rule = { State: "DISABLED", targets: world.rule?.targets ?? [] };
      },
      id: "schedule-disabled",
      says: /aws events enable-rule --name ci-agents-every-minute/,
    },
    {
      what: "a schedule without its target",
      make: (world) => {
        world.rule = { State: "ENABLED", targets: ["arn:aws:lambda:eu-west-1:123456789012:function:other"] };
      },
      id: "schedule-without-loop",
      says: /has no target/,
    },
    {
      what: "a loop that may not run at all",
      make: (world) => {
        world.concurrency = 0;
      },
      id: "loop-without-concurrency",
      says: /ReservedConcurrentExecutions 0/,
    },
    {
      what: "a function that Lambda cannot run",
      make: (world) => {
        world.loop = { ...world.loop, State: "Failed", StateReason: "the subnet is gone" };
      },
      id: "loop-broken",
      says: /the subnet is gone/,
    },
    {
      what: "a loop that is silent",
      make: (world) => world.lines.splice(0),
      id: "loop-silent",
      says: /no decision in the log of a day/,
    },
    {
      what: "a loop that decided last ten minutes ago",
      make: (world) => {
        world.lines = [];
        world.decide({ secondsAgo: 600, states: busy, running: 1 });
      },
      id: "loop-silent",
      says: /10 min old/,
    },
    {
      what: "a pass that fails",
      make: (world) => failPass(world, { name: "TypeError", message: "a bug" }),
      id: "loop-failing",
      says: /TypeError: a bug/,
    },
    {
      what: "a function that Lambda cut off",
      make: (world) => world.log(loopLog, world.secondsAgo(1), "2026-01-01 abc Task timed out after 300.00 seconds"),
      id: "loop-failing",
      says: /Task timed out after 300.00 seconds/,
    },
    {
      what: "a token that has expired",
      make: (world) => failPass(world, vendorError("unauthorized", "GET /agent-pools: HTTP 401")),
      id: "token-refused",
      says: /fleet secret set ci-agents/,
    },
    {
      what: "a wrong pool id, although other errors came first",
      make: (world) =>
        failPass(world, {
          name: "AggregateError",
          message: "2 pools failed",
          errors: [vendorError("misconfigured", "pool 2 is named Other, and agents register in Linux")],
        }),
      id: "wrong-pool",
      says: /pool 2 is named Other/,
    },
    {
      what: "a pool that the token may not see",
      make: (world) => failPass(world, vendorError("not-found", "the agent pool aws does not exist, or …")),
      id: "wrong-pool",
      says: /Correct vendor/,
    },
    {
      what: "a secret that the loop cannot read",
      make: (world) => failPass(world, { name: "SecretUnavailableError", message: "The secret x has no value yet" }),
      id: "secret-unreadable",
      says: /fleet secret list ci-agents/,
    },
    {
      what: "a vendor that does not answer",
      make: (world) => failPass(world, vendorError("timeout", "GET /runs: no answer")),
      id: "vendor-unreachable",
      says: /no answer/,
    },
    {
      what: "a launch that AWS refuses for a setting",
      make: (world) => failPass(world, { name: "Error", message: "agents cannot launch: the subnet does not exist" }),
      id: "launch-refused",
      says: /the subnet does not exist/,
    },
    {
      what: "a lease that a dead pass holds",
      make: (world) => {
        const until = world.secondsAgo(-5).getTime();
        world.items.set("lease", { owner: { S: "pass-1" }, until: { N: String(until) } });
      },
      id: "lease-of-a-dead-pass",
      severity: "warning",
      says: /pass-1 was last renewed 85 s ago; it ends in 5 s/,
    },
    {
      what: "a secret without a value",
      make: (world) => world.secrets.set(`agent-fleets/${fleetName}/agent-token`, ""),
      id: "secret-empty",
      says: /fleet secret set ci-agents agent-token/,
    },
    {
      what: "a webhook without its key, in a fleet that asks the vendor itself",
      make: (world) => world.secrets.set(`agent-fleets/${fleetName}/notification-token`, ""),
      id: "secret-empty",
      severity: "warning",
      says: /fleet secret set ci-agents notification-token/,
    },
  ]);
});
