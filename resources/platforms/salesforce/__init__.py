"""The Salesforce connector: stores on the core platform, with Order Management."""
