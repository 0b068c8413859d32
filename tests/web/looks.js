// What a person could not read on the page that is open: text cut off, text outside the window or over other text of a table, and text of too little contrast.
() => {
  const REQUIRED = 4.5; // WCAG 2.2, 1.4.3, of text of any size
  const parts = (colour) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const context = canvas.getContext("2d");
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (above, below) => above.slice(0, 3).map((part, at) => part * above[3] + below[at] * (1 - above[3]));
  const luminance = (colour) => {
    const linear = colour.slice(0, 3).map((part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const backgroundOf = (element) => {
    const layers = [];
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    const canvas = parts(getComputedStyle(document.documentElement).colorScheme.includes("dark") ? "#121212" : "#fff");
    return layers.reverse().reduce((below, above) => over(above, below), canvas);
  };
  const opacityOf = (element) => {
    let opacity = 1;
    for (let at = element; at !== null; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    return opacity;
  };
  const scrollsInside = (element) => {
    for (let at = element.parentElement; at !== null && at !== document.body; at = at.parentElement) {
      if (/auto|scroll/.test(getComputedStyle(at).overflowX)) return true;
    }
    return false;
  };
  const faults = [];
  let looked = 0;
  let least = 21;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.data.trim() === "" || element.closest(".visually-hidden, .skip:not(:focus), script, noscript, style, option, datalist") !== null) continue;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    looked += 1;
    const named = `${element.tagName.toLowerCase()} "${node.data.trim().slice(0, 60)}"`;
    if (!scrollsInside(element) && (box.right > innerWidth + 1 || box.left < -1)) faults.push(`outside the window: ${named}`);
    const cell = element.closest("td, th")?.getBoundingClientRect();
    const isTitled = element.closest("[title]") !== null && getComputedStyle(element).textOverflow === "ellipsis";
    if (isTitled) continue; // It is there whole for whoever points at it, and for a screen reader.
    if (cell !== undefined && (box.right > cell.right + 1 || box.left < cell.left - 1)) faults.push(`over the next cell: ${named}`);
    for (let at = element; at !== null && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (/auto|scroll/.test(style.overflowX) || /auto|scroll/.test(style.overflowY)) break;
      if (!/hidden|clip/.test(style.overflowX)) continue;
      const within = at.getBoundingClientRect();
      if (box.right > within.right + 1 || box.bottom > within.bottom + 1) faults.push(`cut off: ${named}`);
    }
    if (element.closest("[aria-disabled=true], :disabled") !== null) continue; // WCAG asks nothing of what is disabled.
    const below = backgroundOf(element);
    const colour = parts(getComputedStyle(element).color);
    const shown = over([...colour.slice(0, 3), colour[3] * opacityOf(element)], below);
    const [dark, light] = [luminance(shown), luminance(below)].sort((one, other) => one - other);
    const contrast = (light + 0.05) / (dark + 0.05);
    least = Math.min(least, contrast);
    if (contrast < REQUIRED) faults.push(`contrast ${contrast.toFixed(2)}: ${named}`);
  }
  return { looked, least, wide: document.documentElement.scrollWidth - innerWidth, faults };
}
