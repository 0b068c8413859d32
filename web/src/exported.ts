/** Whether this page was opened over an exported log: the name of its folder, and nobody to sign in. */

export const exported: string | undefined = document.documentElement.dataset["log"];
