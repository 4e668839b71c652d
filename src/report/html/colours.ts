/** The colours of the page. Text has a contrast of at least 4.5 with its background in both modes. */
export const light = `
  --page: #f4f6f8; --card: #ffffff; --sunken: #f4f6f8; --line: #d5dbe1; --text: #1a2027; --muted: #55606c; --link: #0a58b0;
  --passed: #12682f; --passed-soft: #dcf5e3; --passed-bar: #2da44e;
  --degraded: #7a4b00; --degraded-soft: #fdf0cd; --degraded-bar: #d99a17;
  --failed: #a8122a; --failed-soft: #fde4e6; --failed-bar: #d1384b;
  --error: #6a35a0; --error-soft: #f0e6fb; --error-bar: #8b57c4;
  --skipped: #55606c; --skipped-soft: #e9edf1; --skipped-bar: #b4bdc7;
  --bar-1: #0f5cad; --bar-2: #6aa5e3; --bar-3: #c5dcf5; --start: #c58a12; --tests: #3f7fc4; --made: #7b8794; --gone: #12805c; --shadow: 0 1px 2px #1a202714, 0 2px 8px #1a20270a;`;

export const dark = `
  --page: #0e1217; --card: #171c23; --sunken: #10151b; --line: #2f3742; --text: #e4e9ef; --muted: #9ca7b4; --link: #7ab7ff;
  --passed: #5fd583; --passed-soft: #12301d; --passed-bar: #3fae63;
  --degraded: #ecbb4e; --degraded-soft: #352909; --degraded-bar: #c9932a;
  --failed: #ff959c; --failed-soft: #3d171c; --failed-bar: #e0515f;
  --error: #cfadff; --error-soft: #2c1d42; --error-bar: #9d71d6;
  --skipped: #9ca7b4; --skipped-soft: #242b34; --skipped-bar: #566170;
  --bar-1: #7ab7ff; --bar-2: #3f78b8; --bar-3: #26425f; --start: #d9a53a; --tests: #5d9fe0; --made: #8b98a6; --gone: #35b58a; --shadow: none;`;

export const verdictColours = ["passed", "degraded", "failed", "error", "skipped"]
  .map(
    (verdict) => `
.pill.${verdict}, .banner.${verdict} { color: var(--${verdict}); background: var(--${verdict}-soft); }
.icon.${verdict} { color: var(--${verdict}); fill: var(--${verdict}-soft); }
a.stop.${verdict} { border-bottom-color: var(--${verdict}-bar); }
details.stage.${verdict} { border-left-color: var(--${verdict}-bar); }
rect.${verdict}, .bar-${verdict} { fill: var(--${verdict}-bar); }`,
  )
  .join("");
