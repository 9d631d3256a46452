import type { VolumeConfig } from "../../config/compute/container.ts";
import type { ServiceRole } from "../service-role.ts";
import { arnOf, type StackContext } from "../stack-context.ts";

/** Volumes of a task definition. */
export function taskVolumes(volumes: readonly VolumeConfig[]) {
  return volumes.map(({ name, hostPath, efs }) => ({
    name,
    ...(hostPath !== undefined && { hostPath }),
    ...(efs && {
      efsVolumeConfiguration: {
        fileSystemId: efs.fileSystemId,
        transitEncryption: "ENABLED",
        authorizationConfig: {
          ...(efs.accessPointId !== undefined && { accessPointId: efs.accessPointId }),
          iam: efs.iam ? "ENABLED" : "DISABLED",
        },
      },
    }),
  }));
}

/** Mount points of a container. */
export function mountPoints(volumes: readonly VolumeConfig[]) {
  return volumes.map(({ name, mountPath, readOnly }) => ({ sourceVolume: name, containerPath: mountPath, readOnly }));
}

/** Lets a task role mount the file systems that require IAM, and no others. */
export function allowVolumes(role: ServiceRole, volumes: readonly VolumeConfig[], context: StackContext): void {
  for (const { efs, readOnly } of volumes) {
    if (!efs?.iam) continue;
    const accessPoint = efs.accessPointId && `access-point/${efs.accessPointId}`;
    role.allow({
      actions: ["elasticfilesystem:ClientMount", ...(readOnly ? [] : ["elasticfilesystem:ClientWrite"])],
      resources: [arnOf(context, "elasticfilesystem", `file-system/${efs.fileSystemId}`)],
      ...(accessPoint && {
        condition: {
          StringEquals: { "elasticfilesystem:AccessPointArn": arnOf(context, "elasticfilesystem", accessPoint) },
        },
      }),
    });
  }
}
