import { describe, expect, it } from "vitest";
import { receiverWarnings } from "../../../stacks/config/receivers.ts";
import { load } from "./files.ts";

const fleet =
  "kind: ecs-fleet\nregion: us-west-2\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws }\n";
const image = "kind: machine-image\nregion: us-west-2\nbaseImage: { id: ami-0123456789abcdef0 }\n";
const slack = "chat: [{ type: slack, workspaceId: T07EA123LEP, channelId: C07EZ1ABC23 }]";

const warningsOf = (files: Readonly<Record<string, string>>) => receiverWarnings(load(files).stacks);

describe("alarms that reach nobody", () => {
  it("are one warning, which names all stacks that it is about", () => {
    const network = "kind: network\nregion: us-west-2\n";
    expect(warningsOf({ "config/one.yaml": fleet, "config/two.yaml": fleet, "config/net.yaml": network })).toEqual([
      "alarms of one, two reach nobody: set alarms.emails or another receiver in alarms",
    ]);
  });

  it.each([
    "emails: [ops@example.com]",
    "subscriptions: [{ protocol: email, address: ops@example.com }]",
    "topicArn: arn:aws:sns:us-west-2:111122223333:ci",
    slack,
  ])("are none with %s", (receiver) => {
    expect(warningsOf({ "config/one.yaml": `${fleet}alarms: { ${receiver} }\n` })).toEqual([]);
  });

  it("are those of a machine image that only a chat gets: a chat shows no failed build", () => {
    expect(warningsOf({ "config/image.yaml": image })).toHaveLength(1);
    expect(warningsOf({ "config/image.yaml": `${image}alarms: { ${slack} }\n` })).toHaveLength(1);
    expect(warningsOf({ "config/image.yaml": `${image}alarms: { emails: [ops@example.com] }\n` })).toEqual([]);
  });
});
