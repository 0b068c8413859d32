/** Whether this is a demo, where everybody opens an account and brings play money in by hand; the API says so in the page. */
export const isDemo = document.querySelector<HTMLMetaElement>('meta[name="profile"]')?.content === "demo";
