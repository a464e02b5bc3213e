// Texts that are too small, or too faint for what is behind them.
(leastContrast) => {
  const channels = (c) => (c.match(/[\d.]+/g) ?? []).map(Number);
  const over = ([r, g, b, a = 1], under) => [r, g, b].map((x, i) => x * a + under[i] * (1 - a));
  const light = (rgb) => {
    const linear = (x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.map((x) => linear(x / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const stack = [];
    for (let e = element; e; e = e.parentElement)
      stack.unshift(channels(getComputedStyle(e).backgroundColor));
    return stack.reduce((under, c) => (c.length ? over(c, under) : under), [255, 255, 255]);
  };
  const found = [];
  for (const element of document.querySelectorAll("main *, header *")) {
    const hasText = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!hasText || !element.checkVisibility() || element.closest("svg, :disabled")) continue;
    const style = getComputedStyle(element);
    const under = behind(element);
    const [a, b] = [light(over(channels(style.color), under)), light(under)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    if (contrast < leastContrast || size < 11) found.push([element.textContent.slice(0, 40), contrast, size]);
  }
  return found;
}
