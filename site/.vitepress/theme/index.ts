import type { Theme } from "vitepress";
import DefaultTheme from "vitepress/theme-without-fonts";

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    // Vue would log the error of a page, leave its content out, and let the build pass.
    app.config.throwUnhandledErrorInProduction = true;
  },
} satisfies Theme;
