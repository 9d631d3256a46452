import type { StackContext } from "../stack-context.ts";

/** An instance's disk: gp3, encrypted, gone with the instance. Size in GiB, throughput in MiB/s. */
export function rootVolume(
  { kmsKeyArn }: Pick<StackContext, "kmsKeyArn">,
  deviceName: string,
  volume: {
    readonly sizeGiB: number;
    readonly iops?: number | undefined;
    readonly throughputMiBps?: number | undefined;
  },
) {
  return {
    deviceName,
    ebs: {
      volumeType: "gp3",
      volumeSize: volume.sizeGiB,
      iops: volume.iops,
      throughput: volume.throughputMiBps,
      encrypted: "true",
      kmsKeyId: kmsKeyArn,
      deleteOnTermination: "true",
    },
  };
}
