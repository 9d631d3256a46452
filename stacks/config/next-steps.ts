/**
 * The commands that follow the first deploy of a fleet, for the output that Terraform and `cdktf deploy` print at the end:
 * neither the app nor the config can tell a first deploy from a later one, or which secrets have a value by then.
 */
export function nextSteps(stack: string, { buildsImage }: { readonly buildsImage: boolean }): readonly string[] {
  const image = buildsImage ? [`npm run fleet -- image build ${stack}`] : [];
  return [...image, `npm run fleet -- secret list ${stack}`, `npm run fleet -- status ${stack}`];
}
