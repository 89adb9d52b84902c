"""What is wrong with the generated data on purpose."""

# What each planted defect does to the raw data; the counts are in _truth/defects.parquet.
DEFECTS = {
    "exact_duplicate_same_email": "further CRM record of a person with the e-mail of another "
    "record of theirs in other case or padding",
    "exact_duplicate_same_phone": "further CRM record of a person with the mobile number of "
    "another record of theirs in another notation, and another e-mail",
    "fuzzy_duplicate_person": "further CRM record of a person with typos in the names and other "
    "e-mail and phone: no exact key leads to it",
    "duplicate_crm_row": "CRM row that stands in the file twice, identical to the letter",
    "shared_email": "CRM record with the e-mail of another member of the household",
    "shared_household_phone": "CRM record with a landline that several people of one household "
    "gave",
    "switchboard_phone": "CRM record with the number of a company switchboard instead of an own",
    "padded_text": "names and city with blanks around them",
    "mixed_case_text": "names and city all in capitals or all in small letters",
    "broken_email": "text that is no e-mail address; the same text for several people",
    "unknown_country": "country XX, Atlantis or ??",
    "future_birth_date": "birth date in the years 2090 to 2098",
    "unreadable_birth_date": "birth date that no calendar has",
    "unreadable_created_at": "creation date that no calendar has",
    "future_order": "order dated 2099",
    "unknown_currency": "order in the currency XXX",
    "guest_order_known_person": "order without customer_id whose guest_email is that of a CRM "
    "record in other case or padding",
    "guest_order_unknown_person": "order without customer_id whose guest_email no CRM record has",
    "order_unknown_customer": "order whose customer_id the CRM does not know",
    "negative_price": "order line with positive quantity and a price below zero",
    "zero_price": "order line with positive quantity and price zero",
    "orphan_order_line": "order line whose order_id no order has",
    "repeated_web_event": "web event that stands in the file twice, identical to the letter",
    "clock_skewed_web_event": "web event dated 1970 or 2099",
    "late_web_event": "web event that stands at the end of the file although it is older",
    "shared_cookie": "visitor_id that carries the logins of two people of one household",
    "repeated_email_event": "e-mail event that stands in the file twice, identical to the letter",
    "misspelt_country": "country with a typing error: Frnce, Francce, Frence, FRANCR or Farance",
    "spreadsheet_postcode": "French postcode without its leading zero, as a spreadsheet leaves it",
    "impossible_age": "birth date in the years 1870 to 1878",
    "french_gender": "gender in French words or as a form of address",
    "french_order_status": "cancelled order with the status annulée",
    "french_order_channel": "order of a store with the channel magasin",
    "return_without_sale": "returned line of a product that nobody of the household ever bought",
    "near_duplicate_web_event": "web event that was sent twice in the same second, the second "
    "time with another event_id",
    "near_duplicate_email_event": "opening of a mail that was reported twice in the same second, "
    "the second time with another event_id",
    "extreme_quantity": "order line of a cancelled order with 120 to 1,999 pieces",
}
