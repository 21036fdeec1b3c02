-- The data lie on solid-state disks and in memory: a page elsewhere costs about as much as the next
-- one. With the default of 4 the planner reads a store's whole past to find one month of its lines.
ALTER ROLE zava_server SET random_page_cost = 1.1;
