// The tasks of a store's day, each with the interactions of a person who has signed in. A question
// counts as two, for the tab and the link; a choice, a click or a written field as one.

export const tasks = {
  eastside: {
    async "why sales dropped last month"({ question, answered }) { await question("why_sales_moved"); await answered(/Revenue by category.*before/s); },
    async "which store is in trouble"({ question, answered }) { await question("compare_stores"); await answered(/Revenue by store.*beside the chain/s); },
    async "best weekday and hour"({ question, answered }) { await question("busiest_hours"); await answered(/Highest: \w+day, \d\d:00/); },
    async "this week against the same week of last year"({ question, change, answered }) {
      await question("explore");
      await change("period", "this week");
      await change("compare", "previous_year");
      await answered(/Compared with/);
    },
    async "Black Friday"({ question, change, answered }) { await question("best_sellers"); await change("period", "black friday 2025"); await answered(/28 Nov 2025/); },
    async "what to reorder and how much"({ question, answered }) { await question("stock_to_reorder"); await answered(/to reorder, [\d,]+ units/); },
    async "what is about to run out"({ question, answered }) { await question("stock_that_ends"); await answered(/weeks/); },
    async "dead stock"({ question, answered }) { await question("dead_stock"); await answered(/Not sold since/); },
    async "best customers by money"({ question, answered }) { await question("top_customers"); await answered(/who spent most since.*last_order/s); },
    async "customers who stopped buying"({ question, answered }) { await question("lapsed_customers"); await answered(/[\d,]+ customers stopped buying/); },
    async "new against returning"({ question, answered }) { await question("customer_value"); await answered(/returning_customers/); },
    async "refund rate by store"({ question, change, answered }) { await question("refunds"); await change("split", "store"); await answered(/Refund rate by store/); },
    async "discount rate against margin"({ question, answered }) { await question("discounts"); await answered(/Across: Discount rate.*Up: Gross margin percent/s); },
    async "one product's year"({ question, change, page, step, settled, answered }) {
      await question("best_sellers");
      await change("period", "last 12 months");
      await page.evaluate(() => { document.title = "…"; });
      await step(page.click("#answers button.bar"));
      await settled();
      await answered(/Revenue by month/);
    },
    async "one category by store"({ question, page, step, settled, change, answered }) {
      await question("sales_by_category");
      await page.evaluate(() => { document.title = "…"; });
      await step(page.click("#answers button.bar"));
      await settled();
      await change("split", "store");
      await answered(/Revenue by store/);
    },
    async "forecast of this month"({ question, answered }) { await question("sales_forecast"); await answered(/It was off by [\d.]+/); },
    async "seasons of a category"({ question, answered }) { await question("seasonal_trends"); await answered(/Revenue by category and month/); },
    async "a day's orders down to the lines"({ question, change, page, step, settled, answered }) {
      await question("sales_over_time");
      await change("period", "last month");
      for (const title of [/^Orders/, /^Lines/]) {
        await page.evaluate(() => { document.title = "…"; });
        await step(page.click("#answers tbody td button"));
        await settled();
        await answered(title.source === "^Orders" ? /order_key/ : /Lines of order/);
      }
    },
    async "export all orders of a quarter"({ question, change, page, step, settled, answered }) {
      await question("explore");
      await change("period", "last quarter");
      await page.evaluate(() => { document.title = "…"; });
      await step((await page.$("#answers ::-p-text(Orders behind this)")).click());
      await settled();
      await step((await page.$("#answers ::-p-text(Export all rows)")).click());
      await page.waitForSelector("dialog[open]");
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => !document.querySelector("dialog"));
      await answered(/Orders/);
    },
    async "share a chart"({ question, page, step, answered }) {
      await question("sales_over_time");
      await page.evaluate(() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; });
      await step((await page.$("#actions ::-p-text(Copy the link)")).click());
      await page.waitForFunction(() => window.copied === location.href);
      await answered(/Revenue by month/);
    },
    async "pin a question"({ question, page, step }) {
      await question("busiest_hours");
      await page.waitForSelector("#actions input");
      await step((await page.$("#actions ::-p-text(Pin to the start page)")).click());
      await page.waitForFunction(() => document.querySelector("#saved .saved-item"));
      await page.click('#saved button[aria-label^="Remove"]');
      await page.waitForFunction(() => !document.querySelector("#saved .saved-item"));
    },
    async "SQL with a wrong column, corrected"({ page, step, settled, answered }) {
      await step(page.click("[data-part=sql]"));
      await page.waitForFunction(() => document.querySelector("#editor").shadowRoot?.querySelector(".cm-content"));
      const write = async (text) => {
        await (await page.evaluateHandle(() => document.querySelector("#editor").shadowRoot.querySelector(".cm-content"))).focus();
        await page.keyboard.down("Control");
        await page.keyboard.press("a");
        await page.keyboard.up("Control");
        await page.keyboard.sendCharacter(text);
        await page.evaluate(() => { document.title = "…"; });
        await page.click("#statement [type=submit]");
        await settled();
      };
      await step(write("SELECT nam FROM retail.products LIMIT 5"));
      await answered(/line 1, column 8.*product_name/s);
      await step(write("SELECT product_name FROM retail.products LIMIT 5"));
      await answered(/5 rows/);
    },
  },
  seattle: {
    async "my store beside the chain"({ question, answered }) { await question("compare_stores"); await answered(/beside the chain.*Median of 8 stores/s); },
  },
  "head-office": {
    async "who sees Tacoma and since when"({ page, step, answered }) {
      await step(page.click("[data-part=operate]"));
      await page.waitForSelector("#grants tbody tr");
      await step(page.type("#grants input", "Tacoma"));
      await answered(/tacoma.*Store manager/is);
    },
    async "which statements are slow and whose budget is used"({ page, step, answered }) {
      await step(page.click("[data-part=operate]"));
      await answered(/slow.*Budgets/is);
    },
  },
};
