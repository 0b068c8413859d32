// What the bench of the screen plants before a page's own scripts: frames, long tasks, and how far the page is behind.
(() => {
  const probe = { frame: 0, longTasks: [], behind: [], missed: 0, ticks: 0 };
  let said; // the bid that came last, and the frame it came in
  const count = () => {
    probe.frame += 1;
    requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) probe.longTasks.push([Math.round(task.startTime), Math.round(task.duration)]);
  }).observe({ type: "longtask", buffered: true });
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...of) {
      super(...of);
      this.addEventListener("message", ({ data }) => {
        if (typeof data !== "string") return;
        const { channel, data: ticker } = JSON.parse(data);
        if (!channel?.startsWith("ticks.") || ticker?.bid === undefined) return;
        probe.ticks += 1;
        if (channel !== `ticks.${probe.symbol}`) return;
        if (said !== undefined && said.bid !== ticker.bid) probe.missed += 1;
        if (said?.bid !== ticker.bid) said = { bid: ticker.bid, frame: probe.frame };
      });
    }
  };
  const digits = (text) => text.replace(/[^\d.]/g, "");
  const look = () => {
    const shown = document.querySelector('[data-testid="ticker"] dd');
    if (shown === null || said === undefined || Number(digits(shown.textContent)) !== Number(said.bid)) return;
    probe.behind.push(probe.frame - said.frame);
    said = undefined;
  };
  addEventListener("DOMContentLoaded", () => {
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  window.benchProbe = probe;
})();
