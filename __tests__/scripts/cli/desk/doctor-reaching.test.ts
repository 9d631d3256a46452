import { describe } from "vitest";
import { fleetName } from "../../../fakes/desk-fleets.ts";
import { findsEach } from "./diagnosed.ts";

describe("fleet doctor about webhook, receivers and alarms", () => {
  findsEach([
    {
      what: "a webhook that gets unsigned messages",
      make: (world) => {
        for (let n = 0; n < 6; n += 1)
          world.log(`/agent-fleets/${fleetName}/webhook-access`, world.secondsAgo(60), {
            status: "401",
            ip: "192.0.2.1",
          });
      },
      id: "webhook-unsigned",
      severity: "warning",
      says: /6 requests were answered with 401 in 15 minutes, from 192.0.2.1/,
    },
    {
      what: "a webhook that is throttled",
      make: (world) =>
        world.log(`/agent-fleets/${fleetName}/webhook-access`, world.secondsAgo(60), {
          status: "429",
          ip: "192.0.2.1",
        }),
      id: "webhook-throttled",
      severity: "warning",
      says: /throttleRatePerSecond/,
    },
    {
      what: "a webhook that fails",
      make: (world) =>
        world.log(`/agent-fleets/${fleetName}/webhook-access`, world.secondsAgo(60), {
          status: "503",
          ip: "192.0.2.1",
        }),
      id: "webhook-failing",
      severity: "warning",
      says: /fleet secret list ci-agents/,
    },
    {
      what: "a mail address that did not confirm, on a later page",
      make: (world) =>
        world.subscriptions.push({ protocol: "email", endpoint: "new@example.com", arn: "PendingConfirmation" }),
      id: "receiver-unconfirmed",
      severity: "warning",
      says: /follow its link/,
    },
    {
      what: "a mail address that somebody unsubscribed",
      make: (world) => world.subscriptions.splice(0),
      id: "receiver-missing",
      severity: "warning",
      says: /Deploy the stack/,
    },
    {
      what: "an alarm that is on and that nothing else explains",
      make: (world) => world.alarms.push({ name: "dead-letters", state: "ALARM", reason: "1 datapoint was 3.0" }),
      id: "alarm-on",
      severity: "warning",
      says: /For 4 min: 1 datapoint was 3.0/,
    },
    {
      what: "alarms that tell nobody",
      make: (world) => world.alarms.push({ name: "dead-letters", state: "OK", actions: false }),
      id: "alarm-mute",
      severity: "warning",
      says: /enable-alarm-actions --alarm-names ci-agents-dead-letters/,
    },
    {
      what: "a fleet without its alarms",
      make: (world) => world.alarms.splice(0),
      id: "alarms-missing",
      severity: "warning",
      says: /knows no alarm ci-agents-/,
    },
  ]);
});
