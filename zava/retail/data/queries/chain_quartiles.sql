-- One column of a larger SELECT: the chain's quartiles, or nothing where they are withheld.
(SELECT row_to_json(q)
 FROM zava.chain_quartiles($1->'chain'->>'metric', ($1->'chain'->>'start')::date,
                           ($1->'chain'->>'end')::date) AS q) AS chain
