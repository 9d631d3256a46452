import type { DeskClients } from "../clients.ts";
import type { FleetPicture } from "../picture.ts";
import { unreadOf } from "../status.ts";
import { agentFindings, unexplainedWait } from "./agents.ts";
import { bySeverity, couldNotLook, type Finding } from "./finding.ts";
import { launchFindings } from "./launches.ts";
import { leavingFindings } from "./leaving.ts";
import { loopFindings } from "./loop.ts";
import { queueFindings } from "./queues.ts";
import { alarmFindings, receiverFindings, webhookFindings } from "./reaching.ts";
import { settingsFindings } from "./settings.ts";
import { withTails } from "./tails.ts";
import { viewOf } from "./view.ts";

/** All that is wrong with a fleet, as far as its picture shows, the worst first. A healthy fleet has no findings. */
export async function diagnose(
  picture: FleetPicture,
  { logs }: Pick<DeskClients, "logs">,
): Promise<readonly Finding[]> {
  const view = viewOf(picture);
  const found = [
    ...loopFindings(view),
    ...queueFindings(view),
    ...settingsFindings(view),
    ...launchFindings(view),
    ...agentFindings(view),
    ...leavingFindings(view),
    ...webhookFindings(view),
    ...receiverFindings(view),
  ];
  const explained = new Set(found.flatMap(({ section }) => section ?? []));
  const all = [
    ...found,
    ...unexplainedWait(
      view,
      found.some(({ severity }) => severity === "error"),
    ),
    ...alarmFindings(view, explained),
    ...gaps(picture),
  ];
  return withTails(bySeverity(all), picture.stack, logs);
}

/** What nobody could look at may be wrong. */
function gaps(picture: FleetPicture): readonly Finding[] {
  return unreadOf(picture).map(({ part, why, todo }) => couldNotLook(part, why, todo));
}
