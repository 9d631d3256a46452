import { ask } from "./aws-listings.ts";

const manifestType = "application/vnd.docker.distribution.manifest.v2+json";

/** Puts an image without layers into a repository, in place of a build that the emulator cannot run. */
export async function pushImage(to: {
  readonly endpoint: string;
  readonly region: string;
  readonly repository: string;
  readonly tag: string;
}): Promise<void> {
  const config = {
    mediaType: "application/vnd.docker.container.image.v1+json",
    size: 0,
    digest: `sha256:${"0".repeat(64)}`,
  };
  const imageManifest = JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers: [] });
  await ask(to.endpoint, to.region, "ecr", "/", {
    method: "POST",
    body: JSON.stringify({ repositoryName: to.repository, imageTag: to.tag, imageManifest }),
    headers: {
      "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.PutImage",
      "content-type": "application/x-amz-json-1.1",
    },
  });
}
