import * as z from "zod";
import { secretReference, text, uniqueList, wholeNumber } from "../primitives.ts";
import { type Rule, withRules } from "../rules.ts";
import { containerImage, needlessCredentials, repositoryCredentialsArn } from "./image.ts";

const partName = text(/^[a-z][a-z0-9-]{0,62}$/, "a lower-case name such as cache");

/** The name of an environment variable. */
export const variableName = text(/^[A-Za-z_][A-Za-z0-9_]*$/, "the name of an environment variable");
const containerPath = text(/^\/[^:\s]*$/, "an absolute path");

/** A volume of a task, and where its container sees it. */
export const volume = withRules(
  z.strictObject({
    name: partName.describe("Name of the volume."),
    mountPath: containerPath.describe("Path of the volume in the container."),
    readOnly: z.boolean().default(false).describe("Whether the container may only read the volume."),
    hostPath: containerPath.optional().describe("A folder of the host."),
    efs: z
      .strictObject({
        fileSystemId: text(/^fs-[0-9a-f]{8,17}$/, "the id of a file system").describe("The file system."),
        accessPointId: text(/^fsap-[0-9a-f]{8,17}$/, "the id of an access point")
          .optional()
          .describe("An access point, which sets the folder and the user."),
        iam: z.boolean().default(true).describe("Whether EFS checks that the task role may mount the file system."),
      })
      .optional()
      .describe("An EFS file system, always encrypted in transit."),
  }),
  [
    {
      path: ["hostPath"],
      reads: [["hostPath"], ["efs"]],
      check: ({ hostPath, efs }) =>
        hostPath !== undefined && efs !== undefined
          ? "must be left out beside efs: a volume has one source"
          : undefined,
    },
  ],
);

/** See {@link volume}. */
export type VolumeConfig = z.output<typeof volume>;

/** A container beside the agent. It ends with the agent. */
export const sidecar = withRules(
  z.strictObject({
    name: partName
      .refine((name) => name !== "agent", { error: "must not be agent: that is the agent's own" })
      .describe("Name of the container."),
    image: containerImage.describe("Container image, pinned by tag or digest."),
    repositoryCredentialsArn: repositoryCredentialsArn.describe(
      "Secret with user name and password of the private registry of `image`.",
    ),
    command: z.array(z.string()).optional().describe("Command. Left out: the image's own."),
    cpu: wholeNumber(0, 16_384).default(0).describe("CPU units of the task that are reserved for the container."),
    memoryMiB: wholeNumber(6, 122_880)
      .optional()
      .describe("Most memory of the container, in MiB. Left out: the memory that the agent leaves."),
    environment: z.record(variableName, z.string()).default({}).describe("Environment variables. Not for secrets."),
    secrets: z
      .record(variableName, secretReference)
      .default({})
      .describe("Environment variables from secrets, by ARN."),
    mounts: uniqueList(partName)
      .default([])
      .describe("Names of `compute.volumes` that the container mounts too, at the same path."),
  }),
  [
    {
      path: ["repositoryCredentialsArn"],
      reads: [["image"], ["repositoryCredentialsArn"]],
      check: ({ image, repositoryCredentialsArn: credentials }) => needlessCredentials(image, credentials),
    },
  ],
);

/** See {@link sidecar}. */
export type SidecarConfig = z.output<typeof sidecar>;

/**
 * ECS Exec needs a container that it can write to: "the SSM agent requires that the container file system is able to be
 * written to" (ECS developer guide, Monitor Amazon ECS containers with ECS Exec).
 */
export function execRule<Key extends string>(
  key: Key,
): Rule<{ readonly readonlyRootFilesystem: boolean } & { readonly [K in Key]: boolean }> {
  return {
    path: [key],
    reads: [[key], ["readonlyRootFilesystem"]],
    check: (container) =>
      container[key] && container.readonlyRootFilesystem
        ? "must be left out with readonlyRootFilesystem: ECS Exec writes into the container"
        : undefined,
  };
}
