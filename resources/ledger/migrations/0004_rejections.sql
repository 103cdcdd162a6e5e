-- Rejections as a work queue: each with its class and its rule, edits of what is tried again, who did what, and what the configuration was.

ALTER TABLE sync.rejection ADD COLUMN class text, ADD COLUMN rule text NOT NULL DEFAULT '';
-- The table of codes as it was then (domain/rejection_codes.py); whatever is rejected from now on brings its own.
UPDATE sync.rejection r SET class = v.class, rule = v.rule FROM (VALUES
    ('address_id_missing', 'missing', 'A shipping address needs its id.'),
    ('amount_missing', 'missing', 'An order''s amounts must be there.'),
    ('available_above_on_hand', 'value', 'No more is available than is on hand and expected.'),
    ('available_negative', 'value', 'An available quantity is not below zero.'),
    ('cancel_quantity_missing', 'mapping', 'A canceled line comes with its cancel history.'),
    ('cancel_refused', 'business_rule', 'An order can be canceled until the warehouse works on it.'),
    ('cancel_status_unknown', 'mapping', 'The status of a cancel request is a known word.'),
    ('card_number_masked', 'value', 'A note holds no payment card''s number.'),
    ('card_number_present', 'value', 'A payment''s texts hold no payment card''s number.'),
    ('carrier_ambiguous', 'mapping', 'A parcel''s carrier is known.'),
    ('carrier_unknown', 'mapping', 'A parcel''s carrier is known.'),
    ('city_missing', 'missing', 'An address needs its city.'),
    ('consignment_unknown', 'value', 'Each line belongs to an address or pick-up of its order.'),
    ('consignments_missing', 'missing', 'An order is captured with its consignments.'),
    ('country_conflict', 'value', 'The country''s code and its name mean the same country.'),
    ('country_missing', 'missing', 'An address needs its country.'),
    ('country_unknown', 'value', 'An address''s country is one of ISO 3166-1.'),
    ('currency_form', 'value', 'A currency is a code of ISO 4217.'),
    ('currency_invalid', 'value', 'An order names the currency that was paid in.'),
    ('currency_mixed', 'value', 'An order is paid in its own currency.'),
    ('date_invalid', 'value', 'A date is in RFC 2822 or ISO 8601, with its zone.'),
    ('date_missing', 'missing', 'An order says when it was placed.'),
    ('delivery_failed', 'connection', 'The target answers within the attempts that a delivery has.'),
    ('delivery_not_permitted', 'permission', 'Lockstep''s user has the right to make this call at the target.'),
    ('delivery_throttled', 'rate_limit', 'The target takes the call within its quota.'),
    ('discount_mismatch', 'value', 'The discounts of lines and coupons make the order''s discount.'),
    ('discount_negative', 'value', 'A discount is not below zero.'),
    ('discount_too_large', 'value', 'A line''s discounts are no larger than its total.'),
    ('email_invalid', 'value', 'An e-mail address has one @ and a domain.'),
    ('email_missing', 'missing', 'An order has the shopper''s e-mail address.'),
    ('event_duplicate', 'duplicate', 'A fact of fulfilment stands once in its order.'),
    ('event_quantity', 'value', 'A fact of fulfilment is about more than zero units.'),
    ('group_not_shippable', 'business_rule', 'The store ships only what has a shipping address.'),
    ('id_invalid', 'mapping', 'An order''s id at the OMS leads back to a store''s id.'),
    ('id_missing', 'missing', 'An order has an id.'),
    ('invalid_value', 'value', 'A value is within what an order can hold.'),
    ('line_id_duplicate', 'duplicate', 'A line''s id stands once in its order.'),
    ('line_id_missing', 'missing', 'An order''s line has an id.'),
    ('line_not_eligible', 'business_rule', 'The OMS changes a line until the warehouse works on it.'),
    ('line_not_in_store', 'business_rule', 'The store ships only lines of its own order.'),
    ('line_total_mismatch', 'value', 'A line''s total is its quantity times its price.'),
    ('line_type_unknown', 'mapping', 'A line''s type is one that Lockstep knows.'),
    ('line_without_order', 'value', 'A line belongs to an order of its batch.'),
    ('lines_incomplete', 'missing', 'An order is captured with all of its lines.'),
    ('location_unknown', 'mapping', 'A stock location is one of the store''s.'),
    ('malformed_value', 'value', 'A value is of the kind that its field is for.'),
    ('milestone_unknown', 'mapping', 'A milestone is one that Lockstep knows.'),
    ('not_mapped', 'mapping', 'Lockstep can read the record.'),
    ('number_not_exact', 'mapping', 'A number has no more digits than JSON carries exactly.'),
    ('oms_payload_unreadable', 'mapping', 'The OMS''s order has the published shape.'),
    ('order_id_duplicate', 'duplicate', 'An order''s id stands once in a batch.'),
    ('order_id_form', 'mapping', 'An order''s id holds plain characters only.'),
    ('order_id_invalid', 'mapping', 'An order''s id holds characters that addresses carry.'),
    ('order_id_unsafe', 'mapping', 'An order''s id holds no characters that are special in URLs.'),
    ('order_missing_in_store', 'business_rule', 'The store still has the order.'),
    ('order_not_captured', 'missing', 'An order that ships was taken from the store before.'),
    ('order_without_lines', 'missing', 'An order has at least one line.'),
    ('parcel_line_unknown', 'value', 'A parcel holds lines of its own order.'),
    ('payload_malformed', 'value', 'A capture is a JSON document of an order.'),
    ('payment_mismatch', 'value', 'Certificates and store credit pay no more than the order''s total.'),
    ('phone_invalid', 'value', 'A phone number can be dialled.'),
    ('pickup_location_unknown', 'mapping', 'A pick-up location has its OMS location.'),
    ('postcode_incomplete', 'value', 'A postal code is whole.'),
    ('postcode_invalid', 'value', 'A postal code has the form of its country.'),
    ('postcode_leading_zero', 'value', 'A postal code keeps its leading zeros.'),
    ('postcode_missing', 'missing', 'An address needs its postal code where its country uses them.'),
    ('quantity_detail_missing', 'mapping', 'A line''s units come with their statuses.'),
    ('quantity_invalid', 'value', 'A line''s quantity is a whole number above zero.'),
    ('quantity_negative', 'value', 'An availability is not below zero.'),
    ('quantity_not_positive', 'value', 'A line''s quantity is above zero.'),
    ('quantity_not_whole', 'mapping', 'OMS units make whole store units.'),
    ('schema_violation', 'value', 'A record has the columns and types of its schema.'),
    ('shipment_refused', 'business_rule', 'The store takes the shipment by its own rules.'),
    ('shipment_update_refused', 'business_rule', 'The store takes a shipment''s change by its rules.'),
    ('shipment_without_lines', 'missing', 'A parcel has at least one line.'),
    ('shipped_above_ordered', 'value', 'No more units are shipped than were ordered.'),
    ('shipping_method_unknown', 'mapping', 'A shipping method has its OMS method.'),
    ('sku_empty', 'missing', 'A stock level names its SKU.'),
    ('sku_missing', 'missing', 'A line''s product has a SKU.'),
    ('sku_too_long', 'value', 'A SKU is no longer than the OMS takes.'),
    ('sku_unknown', 'mapping', 'A line''s SKU is in the OMS''s item master.'),
    ('sku_unknown_in_store', 'mapping', 'A SKU of the OMS is in the store''s catalog.'),
    ('status_refused', 'business_rule', 'The store takes the status by its own rules.'),
    ('status_unknown', 'mapping', 'A status is in the connector''s table.'),
    ('stock_duplicate', 'duplicate', 'A SKU has one level at a node.'),
    ('stock_refused', 'business_rule', 'The store takes the level by its own rules.'),
    ('street_missing', 'missing', 'An address needs its street.'),
    ('subdivision_missing', 'missing', 'An address needs its state or province where its country uses them.'),
    ('subdivision_unknown', 'value', 'A state or province is one of its country.'),
    ('tax_mismatch', 'value', 'The taxes of lines and charges make the order''s tax.'),
    ('total_mismatch', 'value', 'Lines, charges, discounts and taxes make the order''s total.'),
    ('total_negative', 'value', 'An order''s total is not below zero.'),
    ('tracking_not_changed', 'business_rule', 'The store keeps the tracking number that it was given.'),
    ('tracking_number_too_long', 'value', 'A tracking number is no longer than the store takes.'),
    ('tracking_off', 'business_rule', 'The store keeps stock of the product.'),
    ('uom_conversion_inexact', 'mapping', 'A price converts to the OMS''s unit without rounding.'),
    ('uom_unknown', 'mapping', 'The OMS''s item has the line''s unit.'),
    ('variant_unknown', 'mapping', 'A tracked variant''s id is known.')
) AS v(code, class, rule) WHERE r.code = v.code;
UPDATE sync.rejection SET class = CASE WHEN code LIKE 'oms\_%' THEN 'business_rule' ELSE 'value' END,
    rule = CASE WHEN code LIKE 'oms\_%' THEN 'The OMS takes the record by its own rules.'
                ELSE 'The record passes the target''s and Lockstep''s checks.' END
WHERE class IS NULL;
ALTER TABLE sync.rejection ALTER COLUMN class SET NOT NULL, ADD CONSTRAINT rejection_class CHECK (class IN
    ('value', 'missing', 'duplicate', 'mapping', 'permission', 'rate_limit', 'connection', 'business_rule'));
CREATE INDEX rejection_by_seen ON sync.rejection (seen_at DESC, rejection_id DESC) WHERE state IN ('open', 'retried');

-- Values that a person put in place of captured ones. Captures stay as they came: validation puts the edits over what it reads.
-- "changes": list of path (as a person writes it), place (its keys and positions), before, after. They may be personal data.
CREATE TABLE sync.edit (
    edit_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection text        NOT NULL,
    stream     text        NOT NULL,
    source_day date        NOT NULL,
    capture_id uuid        NOT NULL,
    source_id  text        NOT NULL,
    changes    jsonb       NOT NULL,
    who        text        NOT NULL,
    why        text        NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX edit_by_capture ON sync.edit (connection, stream, source_day, capture_id);
CREATE INDEX edit_by_source ON sync.edit (connection, stream, source_id);

-- What was done with a rejection, and by whom. "diff" is an edit's changes, kept for audit: it may be personal data.
CREATE TABLE sync.rejection_action (
    action_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rejection_id bigint      NOT NULL REFERENCES sync.rejection ON DELETE CASCADE,
    at           timestamptz NOT NULL DEFAULT now(),
    who          text        NOT NULL,
    action       text        NOT NULL CHECK (action IN ('retry', 'edit', 'discard', 'reopen')),
    mode         text        NOT NULL DEFAULT '' CHECK (mode IN ('', 'as_captured', 're_read')),
    why          text        NOT NULL DEFAULT '',
    diff         jsonb,
    rerun_id     bigint      REFERENCES sync.rerun ON DELETE SET NULL,
    run_id       text        NOT NULL DEFAULT ''
);
CREATE INDEX rejection_action_by_rejection ON sync.rejection_action (rejection_id);
CREATE INDEX rejection_action_by_rerun ON sync.rejection_action (rerun_id) WHERE rerun_id IS NOT NULL;

-- A rerun is waiting until a run with its run_key exists (taken_at), and unfinished until that run has ended (outcome).
ALTER TABLE sync.rerun ADD COLUMN run_id text NOT NULL DEFAULT '',
    ADD COLUMN outcome text NOT NULL DEFAULT '' CHECK (outcome IN ('', 'done', 'failed', 'refused')),
    ADD COLUMN note text NOT NULL DEFAULT '', ADD COLUMN ended_at timestamptz;
CREATE INDEX rerun_unfinished ON sync.rerun (rerun_id) WHERE outcome = '';

-- What mapping depends on, part by part, as digests: a part that changes may let rejected records through.
CREATE TABLE sync.mapping_digest (
    connection text        NOT NULL,
    part       text        NOT NULL,
    digest     bytea       NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection, part)
);
